"""The teacher service: every call to a language model, paid once, kept in a ledger, held to a budget."""
