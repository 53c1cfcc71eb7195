import { describe, expect, it } from 'vitest'
import { openAsked, refuseFormat } from '../../src/admin/open-asked.ts'
import { createSessionJwts } from '../../src/session/jwt.ts'
import { sessionRequestSchema } from '../../src/session/spec.ts'
import { SPEC, startFixture } from './fixture.ts'

describe('what is asked to be opened', () => {
  it('is a session, or a child of the one that it names', async () => {
    await using fixture = await startFixture()
    const parent = await openAsked(sessionRequestSchema.parse(SPEC), fixture.deps, undefined)
    expect(parent).toMatchObject({ parent: null, cap: 25_000_000n })
    const child = await openAsked(sessionRequestSchema.parse({ ...SPEC, cap: '1.00', parent: parent.id }), fixture.deps, undefined)
    expect(child).toMatchObject({ parent: parent.id, cap: 1_000_000n })
    const lost = openAsked(sessionRequestSchema.parse({ ...SPEC, parent: 'ses_none' }), fixture.deps, undefined)
    await expect(lost).rejects.toThrow('there is no session ses_none')
  })

  it('has a token of the wanted form, or is not opened', async () => {
    const jwts = await createSessionJwts(new Uint8Array(32))
    expect(() => refuseFormat({ cap: 1n, ttl_ms: 1, tokenFormat: 'jwt' }, {})).toThrow('no key for JWTs')
    for (const tokenFormat of ['jwt', 'opaque'] as const)
      expect(() => refuseFormat({ cap: 1n, ttl_ms: 1, tokenFormat }, { jwts })).not.toThrow()
    expect(() => refuseFormat({ cap: 1n, ttl_ms: 1 }, {})).not.toThrow()
  })
})
