"""Erasure requests: batches of them, the ledger of what was done, and receipts."""
