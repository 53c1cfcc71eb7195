import { expect, it } from 'vitest'
import { emptyDatabase } from '../workbench.ts'

it('a funding has a number of its own in its session, and a nonce of its own anywhere', () => {
  const db = emptyDatabase()
  const insert = db.prepare(`
    INSERT INTO fundings (session_id, number, kind, network, token, payer, pay_to, amount_atomic, nonce, planned_at, state)
    VALUES (?, ?, 'fund', 'eip155:1', '0x1', '0x2', '0x3', '1', ?, 1, 'planned')`)
  insert.run('ses_a', 1, '0x1')
  insert.run('ses_b', 1, '0x2')
  expect(() => insert.run('ses_a', 1, '0x3')).toThrow('UNIQUE')
  expect(() => insert.run('ses_a', 2, '0x1')).toThrow('UNIQUE')
})
