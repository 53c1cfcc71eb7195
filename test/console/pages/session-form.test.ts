/** The form for a new session, against the schema that will read it. */
import { describe, expect, it } from 'vitest'
import { namesIn, type SessionForm, sessionBody } from '../../../src/console/pages/session-form.ts'
import { sessionRequestSchema } from '../../../src/session/spec.ts'

const EMPTY: SessionForm = {
  ...{ agent: '', purpose: '', cap: '', ttl: '', perPayment: '', payments: '', hosts: '', owner: '', parent: '', singleUse: false },
}

describe('the form for a new session', () => {
  it('says only what was said: an empty field is no limit of nothing, and no name of nobody', () => {
    const body = sessionBody({ ...EMPTY, agent: ' buyer ', purpose: 'report', cap: '5.00', ttl: '1h' })
    expect(body).toEqual({ agent: 'buyer', purpose: 'report', cap: '5.00', ttl: '1h' })
    expect(sessionRequestSchema.safeParse(body).success).toBe(true)
  })

  it('everything that it can say is what the API reads', () => {
    const body = sessionBody({
      ...{ agent: 'buyer', purpose: 'report', cap: '5', ttl: '1h', perPayment: '0.50', payments: '20', singleUse: true },
      ...{ hosts: 'api.example.com, *.example.org', owner: 'ops', parent: 'ses_1' },
    })
    expect(sessionRequestSchema.parse(body)).toMatchObject({
      ...{ agent: 'buyer', cap: 5_000_000n, ttl_ms: 3_600_000, owner: 'ops', parent: 'ses_1', singleUse: true },
      limits: { perPayment: 500_000n, payments: 20 },
      scope: { hosts: ['api.example.com', '*.example.org'] },
    })
  })

  it('a cap that is missing stays missing, so that the API refuses it', () => {
    const read = sessionRequestSchema.safeParse(sessionBody({ ...EMPTY, agent: 'buyer', ttl: '1h' }))
    expect({ ok: read.success, at: read.error?.issues.map(({ path }) => path.join('.')) }).toEqual({ ok: false, at: ['cap'] })
  })

  it('a count that is none goes as it was written, so that the API says what is wrong', () => {
    expect(sessionBody({ ...EMPTY, payments: '1.5' }).limits).toEqual({ payments: '1.5' })
    expect(sessionBody({ ...EMPTY, payments: '0' }).limits).toEqual({ payments: 0 })
  })

  it('names are divided by commas, blanks and lines', () => {
    expect(namesIn(' a.example,b.example\nc.example ,, ')).toEqual(['a.example', 'b.example', 'c.example'])
  })
})
