/**
 * Channels of payment: their accounts, and what was signed for each of their payments. Atomic units are text, because they
 * may need 128 bits. One at most of a kind is not closed.
 */
export const channels = `
CREATE TABLE channels (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session_id TEXT NOT NULL REFERENCES sessions (id),
  network TEXT NOT NULL,
  asset TEXT NOT NULL,
  receiver TEXT NOT NULL,
  receiver_authorizer TEXT NOT NULL,
  withdraw_delay INTEGER NOT NULL CHECK (withdraw_delay > 0),
  payer TEXT NOT NULL,
  salt TEXT NOT NULL UNIQUE,
  url TEXT NOT NULL,
  offer TEXT NOT NULL,
  decimals INTEGER NOT NULL,
  currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('opening', 'open', 'closing', 'closed')),
  deposited TEXT NOT NULL,
  signed TEXT NOT NULL,
  charged TEXT NOT NULL,
  returned TEXT NOT NULL,
  refused INTEGER NOT NULL CHECK (refused IN (0, 1)),
  tx TEXT,
  block TEXT,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER,
  version INTEGER NOT NULL CHECK (version > 0),
  pending_payment TEXT,
  pending_cumulative TEXT,
  pending_base TEXT,
  pending_deposit TEXT,
  pending_run TEXT,
  check_at INTEGER,
  resolver_run TEXT,
  resolver_until INTEGER
) STRICT;
CREATE UNIQUE INDEX channels_current ON channels (session_id, network, asset, receiver, receiver_authorizer, withdraw_delay)
  WHERE state <> 'closed';
CREATE INDEX channels_session ON channels (session_id, seq);
CREATE INDEX channels_live ON channels (session_id) WHERE state IN ('opening', 'open');
CREATE INDEX channels_due ON channels (check_at, seq) WHERE check_at IS NOT NULL;

CREATE TABLE channel_vouchers (
  payment_id TEXT PRIMARY KEY,
  channel_id TEXT NOT NULL REFERENCES channels (id),
  cumulative TEXT NOT NULL,
  base TEXT NOT NULL,
  deposit TEXT,
  brings INTEGER NOT NULL CHECK (brings IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_vouchers_deposits ON channel_vouchers (channel_id) WHERE brings = 1;
`
