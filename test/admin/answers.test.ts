import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { answerProblem, issueSentence, refuseInvalid } from '../../src/admin/answers.ts'
import { PurserError } from '../../src/errors.ts'
import { MAX_ISSUES_SHOWN } from '../../src/limits.ts'
import { expectProblem, startFixture, unavailable } from './fixture.ts'

describe('answers', () => {
  it('a refusal is a problem document with its status and when to come back', async () => {
    const answer = answerProblem({ code: 'approval_pending', detail: 'Wait.', retryAfter_s: 30 })
    expect(answer.headers.get('retry-after')).toBe('30')
    expect(await expectProblem(answer, 'approval_pending', 403)).toBe('Wait.')
  })

  it('a fault of ours is reported, and its text stays inside', async () => {
    const fault = new Error('canary-secret')
    await using fixture = await startFixture({
      render: async () => {
        throw fault
      },
    })
    const answer = await fixture.ask('/metrics')
    expect(await answer.clone().text()).not.toContain('canary-secret')
    await expectProblem(answer, 'internal_error', 500)
    expect(fixture.faults).toEqual([fault])
  })

  it('a ledger that is gone is ledger_unavailable, not a fault', async () => {
    await using fixture = await startFixture()
    fixture.ledger.sessions = async () => {
      throw unavailable()
    }
    await expectProblem(await fixture.ask('/v1/sessions'), 'ledger_unavailable', 503)
    expect(fixture.faults).toEqual([])
  })

  it('a body that is no JSON is refused as such', async () => {
    await using fixture = await startFixture()
    for (const path of ['/v1/halt', '/v1/sessions']) {
      expect(await expectProblem(await fixture.ask(path, { body: '{"scope":' }), 'request_invalid', 400)).toBe(
        'The body is not valid JSON.',
      )
    }
  })

  it('names every path that has to be mended, up to a bound', () => {
    const schema = z.strictObject(Object.fromEntries(Array.from({ length: MAX_ISSUES_SHOWN + 2 }, (_, i) => [`key${i}`, z.string()])))
    const { error } = schema.safeParse({ ...Object.fromEntries(Object.keys(schema.shape).map((key) => [key, 1])) })
    const sentence = issueSentence(error ?? new z.ZodError([]))
    expect(sentence).toContain('key0: ')
    expect(sentence).toContain(`key${MAX_ISSUES_SHOWN - 1}: `)
    expect(sentence).toMatch(/; and 2 more$/)
  })

  it('what validates passes, what does not is thrown as request_invalid', () => {
    expect(refuseInvalid({ success: true })).toBeUndefined()
    const { error } = z.object({ cap: z.string() }).safeParse({})
    expect(() => refuseInvalid({ success: false, error: error ?? new z.ZodError([]), target: 'json' })).toThrow(PurserError)
  })
})
