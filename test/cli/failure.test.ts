import { describe, expect, it } from 'vitest'
import { CliFailure, failureOf, misused } from '../../src/cli/failure.ts'
import { refused } from '../../src/errors.ts'

describe('failure', () => {
  it('wrong usage ends with 2, everything else that is expected with 1', () => {
    expect(misused('no').exitCode).toBe(2)
    expect(new CliFailure('no').exitCode).toBe(1)
  })

  it('a refusal is shown with its detail and what to do next', () => {
    expect(failureOf(refused('not_found', 'no session ses_1'))).toMatchObject({
      exitCode: 1,
      message: 'no session ses_1',
      advice: 'Check the id or the path.',
    })
  })

  it('a ledger that another process owns is not met with advice for agents', () => {
    expect(failureOf(refused('ledger_unavailable', 'Another process has the ledger open.'))).toMatchObject({
      exitCode: 1,
      message: 'Another process has the ledger open.',
      advice: undefined,
    })
  })

  it('an unexpected error is shown as its message with its cause, never as a stack', () => {
    const failure = failureOf(new Error('the write failed', { cause: new Error('disk full') }))
    expect(failure).toEqual({ exitCode: 1, message: 'the write failed (disk full)', advice: undefined })
  })

  it('a fault of the system comes with what to do about it', () => {
    const fault = Object.assign(new Error('listen EADDRINUSE: 127.0.0.1:4020'), { code: 'EADDRINUSE' })
    expect(failureOf(fault)).toMatchObject({ exitCode: 1, advice: expect.stringContaining('Another program listens there.') })
  })

  it('an interruption says so', () => {
    expect(failureOf(new DOMException('x', 'AbortError'))).toMatchObject({ exitCode: 1, message: 'Interrupted.' })
  })

  it('whatever is thrown becomes a message', () => {
    expect(failureOf('odd')).toMatchObject({ exitCode: 1, message: 'odd' })
  })
})
