import { describe, expect, it } from 'vitest'
import { PolicyInForce } from '../../../src/ledger/sqlite/policy.ts'
import { workbench } from './workbench.ts'

describe('the policy in force', () => {
  it('is the one announced last, and stays over a restart', () => {
    const { db, tables, write } = workbench()
    expect(tables.policy.inForce()).toBeUndefined()
    const announced = ['1', '1', '2'].map((version) => write((tx) => tables.policy.announce(tx, version)))
    expect([announced, tables.policy.inForce(), new PolicyInForce(db).inForce()]).toEqual([[true, false, true], '2', '2'])
  })
})
