/** The journal of funded sessions: accounts, and what moved to and from them. */
export const fundings = `
CREATE TABLE funded_accounts (
  session_id TEXT PRIMARY KEY,
  address TEXT NOT NULL UNIQUE,
  due_at INTEGER NOT NULL,
  leased_until INTEGER NOT NULL,
  wishes INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX funded_accounts_due ON funded_accounts (due_at);

CREATE TABLE fundings (
  session_id TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number > 0),
  kind TEXT NOT NULL CHECK (kind IN ('fund', 'topup', 'sweep')),
  network TEXT NOT NULL,
  token TEXT NOT NULL,
  payer TEXT NOT NULL,
  pay_to TEXT NOT NULL,
  amount_atomic TEXT NOT NULL,
  nonce TEXT NOT NULL UNIQUE,
  planned_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('planned', 'sent', 'done', 'failed')),
  signed_at_s INTEGER,
  valid_before_s INTEGER,
  tx TEXT,
  sent_at INTEGER,
  ended_at INTEGER,
  reason TEXT,
  PRIMARY KEY (session_id, number)
) STRICT;
`
