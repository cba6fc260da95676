"""Upstream: the only code that talks to providers over the network.

  client     the httpx client, and foreign network errors as Problems
  transport  HTTP/1.1 on h11 and wires, under that client
  proxies    which proxy an origin is reached through, and the tunnel through it
  stream     one turn: the request out, lists of events in
  websocket  one WebSocket; sockets lends them to turns, increment says what need not be sent on them
  passing    an answer whose bytes are handed on as they come
  duplex     a WebSocket that is somebody's for as long as it lasts; handshake opens both kinds
  flows      dialogues (logins, renewals, model lists) played over the network
  retry      whether and when an attempt is repeated; pure
  models     the live lists of models, kept on disk and fresh
  keeper     fresh tokens

What is not here: what a provider accepts and means (providers/), and who asked (routes/, gateway).
"""
