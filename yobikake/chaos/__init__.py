"""Chaos: does the program keep its promises while everything around it breaks?

A run, in order:

    plan        what the operator does and which faults hit when, from the seed alone
    shape       a fresh hub: a folder and a ledger with some four hundred people, its servers
    gateways    mail, LINE, voice and X, in the instrument's process, with a log of their own
    hub         the real program in processes of its own, with a desk for the operator
    operator    sends, stops, updates, corrects; what is answered is acknowledged
    faults      kill, freeze, starve, forge … at moments of progress, or lying in wait at a failpoint
    healing     everything is put right; everyone gets an outcome within a minute
    check       the ledger against the gateways' log: every promise, one by one

The hub and the check never meet: what the gateways saw is the truth, what the ledger says is compared.
"""
