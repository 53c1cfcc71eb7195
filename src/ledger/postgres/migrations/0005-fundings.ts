/** The journal of funded sessions: accounts, and what moved to and from them. */
export const fundings = `
CREATE TABLE funded_accounts (
  session_id text PRIMARY KEY,
  address text NOT NULL UNIQUE,
  due_at bigint NOT NULL,
  leased_until bigint NOT NULL,
  wishes bigint NOT NULL,
  ended_at bigint
);
CREATE INDEX funded_accounts_due ON funded_accounts (due_at);

CREATE TABLE fundings (
  session_id text NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  kind text NOT NULL CHECK (kind IN ('fund', 'topup', 'sweep')),
  network text NOT NULL,
  token text NOT NULL,
  payer text NOT NULL,
  pay_to text NOT NULL,
  amount_atomic text NOT NULL,
  nonce text NOT NULL UNIQUE,
  planned_at bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('planned', 'sent', 'done', 'failed')),
  signed_at_s bigint,
  valid_before_s bigint,
  tx text,
  sent_at bigint,
  ended_at bigint,
  reason text,
  PRIMARY KEY (session_id, number)
);
`
