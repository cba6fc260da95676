"""The doctor: looks at an installation and at what it needs, and says of each thing that it is right or what to do.

  finding    what a check says
  masks      what must not stand in a report that people paste
  case       what is looked at: settings, environment, logins
  python, folder, settings, logins, network, port, service, models, clients, turns
             the checks, one subject each
  look       the checks side by side, each with a deadline
  contract/  what rotom assumes of each provider, held against the provider

Theory of operation: a check is a function of the case that returns findings. It changes nothing, neither here nor in the
files of other programs, and one that fails takes no other with it: what is broken is the very thing that is looked for.
Every sentence passes the masks before it is shown, whatever it was made of.

What is not here: how it looks, and who is asked before something costs (cli/doctor.py).
"""
