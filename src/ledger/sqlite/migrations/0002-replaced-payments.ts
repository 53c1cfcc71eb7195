/** Payments that take the place of another one, with its nonce: one that is a payment's own stays unique. */
export const replacedPayments = `
ALTER TABLE payments ADD COLUMN reused_nonce TEXT;
ALTER TABLE payments ADD COLUMN replaces TEXT;
ALTER TABLE payments ADD COLUMN replaced_by TEXT;
`
