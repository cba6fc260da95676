"""State: what outlives an exchange. Plain synchronous code, no trio in here; whoever is on the loop calls it in a thread."""
