import { describe, expect, it } from 'vitest'
import { cleaned, DatabaseFault, faultOf, isUnreplicated } from '../../../src/ledger/postgres/faults.ts'

const fault = (code: string) => new DatabaseFault(code, 'x')

describe('what an error means for the money', () => {
  it.each([
    ['40001', 'retry', 'retry'],
    ['40P01', 'retry', 'retry'],
    ['23505', 'retry', 'retry'],
    ['23514', 'rejected', 'rejected'],
    ['22P02', 'rejected', 'rejected'],
    ['42P01', 'rejected', 'rejected'],
    ['53100', 'unavailable', 'unavailable'],
    ['57014', 'unavailable', 'unavailable'],
    ['25006', 'unavailable', 'unavailable'],
    ['57P01', 'unavailable', 'unknown'],
    ['57P02', 'unavailable', 'unknown'],
    ['40003', 'unavailable', 'unknown'],
    ['08006', 'unavailable', 'unknown'],
    ['CONNECTION_CLOSED', 'unavailable', 'unknown'],
    ['ECONNRESET', 'unavailable', 'unknown'],
  ])('%s is %s before COMMIT and %s from then on', (code, before, after) => {
    expect(faultOf(fault(code), 'before_commit')).toBe(before)
    expect(faultOf(fault(code), 'commit')).toBe(after)
  })

  it('what is no error of the database is never taken for an answer to COMMIT', () => {
    expect(faultOf('?', 'commit')).toBe('unknown')
  })
})

describe('an error that is handed on', () => {
  it('has code and message, and nothing of the rows that PostgreSQL quotes', () => {
    const raw = Object.assign(new Error('violates check constraint "sessions_check"'), {
      code: '23514',
      detail: 'Failing row contains (PAYMENT-SIGNATURE: secret)',
      parameters: ['secret'],
    })
    const clean = cleaned(raw)
    expect(clean).toMatchObject({ code: '23514', message: 'violates check constraint "sessions_check"' })
    expect(JSON.stringify({ ...clean, message: clean.message, stack: clean.stack, cause: clean.cause })).not.toContain('secret')
  })

  it('does not repeat a value that the database did not like', () => {
    const raw = Object.assign(new Error('invalid input syntax for type bigint: "secret"'), { code: '22P02' })
    expect(cleaned(raw).message).toBe('a value that the database cannot hold')
  })
})

describe('a commit that no standby has', () => {
  it.each([
    [{ code: '01000', message: 'canceling wait for synchronous replication due to user request' }, true],
    [{ code: '01000', message: 'something else' }, false],
    [{ code: '00000', message: 'synchronous replication' }, false],
  ])('%o is recognised by the warning: %s', (notice, unreplicated) => {
    expect(isUnreplicated(notice)).toBe(unreplicated)
  })
})
