import { describe, expect, it } from 'vitest'
import { MOVING } from '../../../src/ledger/sqlite/payment-entry.ts'
import { PaymentStatements } from '../../../src/ledger/sqlite/payment-statements.ts'
import { usd } from '../fixtures.ts'
import { workbench } from './workbench.ts'

describe('an update of a payment', () => {
  it('sets the columns that have changed, and no other', () => {
    const { db, tables, write, make, accounts, reserving } = workbench()
    const { id } = write((tx) => accounts.open(tx, make.session()))
    const request = make.request(id, usd(1))
    write((tx) => reserving.reserve(tx, request))
    const { seq } = tables.payments.get(request.paymentId)
    db.exec(`CREATE TEMP TRIGGER others BEFORE UPDATE OF ${MOVING.filter((name) => name !== 'state' && name !== 'tx').join(', ')} ON payments
      BEGIN SELECT raise(ABORT, 'another column'); END`)
    const before = MOVING.map(() => null)
    const after = MOVING.map((name) => ({ state: 'void', tx: '0x1' })[name] ?? null)
    const statements = new PaymentStatements(db)
    statements.update(seq, before, after)
    expect(tables.payments.get(request.paymentId).payment).toMatchObject({ state: 'void', transaction: '0x1' })
    statements.update(seq, after, after)
    expect(() =>
      statements.update(
        seq,
        before,
        MOVING.map((name) => (name === 'code' ? 'x' : null)),
      ),
    ).toThrow('another column')
  })
})
