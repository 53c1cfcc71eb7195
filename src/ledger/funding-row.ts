/** Fundings and accounts as rows, whatever keeps them. */
import { FUNDING_KINDS, FUNDING_STATES, type FundedAccount, type Funding, type FundingProgress, type PlannedFunding } from './fundings.ts'
import { int, maybeInt, maybeText, type Row, RowError, text, word } from './rows.ts'

type Columns = Readonly<Record<string, string | number | null>>

export function plannedColumns(funding: PlannedFunding): Columns {
  const { sessionId, plannedAt, amountAtomic, from, to, ...rest } = funding
  const columns = { ...rest, session_id: sessionId, planned_at: plannedAt, amount_atomic: amountAtomic.toString(), payer: from, pay_to: to }
  return { ...columns, state: 'planned' }
}

export function progressColumns(progress: FundingProgress): Columns {
  return {
    state: progress.state,
    signed_at_s: progress.signedAt_s,
    valid_before_s: progress.validBefore_s,
    tx: progress.transaction,
    sent_at: progress.sentAt,
    ended_at: progress.endedAt,
    reason: progress.reason,
  }
}

export function readFunding(row: Row): Funding {
  return {
    sessionId: text(row, 'session_id'),
    number: int(row, 'number'),
    kind: word(row, 'kind', FUNDING_KINDS),
    network: text(row, 'network'),
    token: text(row, 'token'),
    from: text(row, 'payer'),
    to: text(row, 'pay_to'),
    amountAtomic: atomic(row),
    nonce: text(row, 'nonce'),
    plannedAt: int(row, 'planned_at'),
    state: word(row, 'state', FUNDING_STATES),
    signedAt_s: maybeInt(row, 'signed_at_s'),
    validBefore_s: maybeInt(row, 'valid_before_s'),
    transaction: maybeText(row, 'tx'),
    sentAt: maybeInt(row, 'sent_at'),
    endedAt: maybeInt(row, 'ended_at'),
    reason: maybeText(row, 'reason'),
  }
}

export function readAccount(row: Row): FundedAccount {
  return {
    sessionId: text(row, 'session_id'),
    address: text(row, 'address'),
    dueAt: int(row, 'due_at'),
    leasedUntil: int(row, 'leased_until'),
    wishes: int(row, 'wishes'),
    endedAt: maybeInt(row, 'ended_at'),
  }
}

function atomic(row: Row): bigint {
  const digits = text(row, 'amount_atomic')
  if (!/^[0-9]{1,78}$/.test(digits)) throw new RowError('column amount_atomic does not hold a whole number')
  return BigInt(digits)
}
