import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTokenReview } from '../../src/identity/token-review.ts'
import { MAX_OPEN_REVIEWS } from '../../src/people-limits.ts'
import { testClock } from '../clock.ts'
import { ISSUER, issuerOf, SUBJECT, serve } from './issuer.ts'

const YES = { authenticated: true, user: { username: SUBJECT }, audiences: ['purser'] }

async function rig(status: unknown, code = 201) {
  const folder = await mkdtemp(join(tmpdir(), 'purser-review-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const tokenFile = join(folder, 'token')
  await writeFile(tokenFile, 'own-token\n')
  const { url, heard } = await serve(() => ({ status: code, body: { kind: 'TokenReview', status } }))
  const clock = testClock()
  const keys = { from: 'review', url, tokenFile } as const
  return { clock, heard, verify: createTokenReview({ issuer: { ...issuerOf(keys), keys }, clock }) }
}

describe('a token that the API server reviews', () => {
  it('proves the service account that the server names, for the audience that was asked for', async () => {
    const { heard, verify } = await rig(YES)
    expect(await verify('a.b.c')).toEqual({ issuer: ISSUER, subject: SUBJECT })
    expect(heard[0]?.authorization).toBe('Bearer own-token')
    expect(JSON.parse(heard[0]?.body ?? '')).toMatchObject({ kind: 'TokenReview', spec: { token: 'a.b.c', audiences: ['purser'] } })
  })

  it.each([
    ['is not authenticated', { authenticated: false }, 'the API server does not know it'],
    ['has no verdict', {}, 'the API server does not know it'],
    ['is for another audience', { ...YES, audiences: ['other'] }, 'its claim aud is not what is wanted here'],
    ['comes from a server that knows no audiences', { authenticated: true, user: YES.user }, 'its claim aud is not what is wanted here'],
    ['names nobody', { ...YES, user: {} }, 'its subject is empty or too long'],
  ])('that %s proves nothing', async (_name, status, why) => {
    const { verify } = await rig(status)
    expect(await verify('a.b.c')).toEqual({ why })
  })

  it('is asked about once in ten seconds', async () => {
    const { clock, heard, verify } = await rig(YES)
    await Promise.all([verify('a.b.c'), verify('a.b.c')])
    expect(heard).toHaveLength(1)
    clock.advance(10_000)
    await verify('a.b.c')
    expect(heard).toHaveLength(2)
  })

  it('is not asked about while many others are, so that made-up ones do not flood the server', async () => {
    const { heard, verify } = await rig(YES)
    const asked = await Promise.allSettled(Array.from({ length: MAX_OPEN_REVIEWS + 5 }, (_, n) => verify(`a.b.${n}`)))
    expect(asked.filter(({ status }) => status === 'rejected')).toHaveLength(5)
    expect(heard).toHaveLength(MAX_OPEN_REVIEWS)
    expect(await verify('a.b.20')).toEqual({ issuer: ISSUER, subject: SUBJECT })
  })

  it('is neither accepted nor refused where the server fails, and asked about again', async () => {
    const { heard, verify } = await rig(YES, 500)
    await expect(verify('a.b.c')).rejects.toThrow('answered 500')
    await expect(verify('a.b.c')).rejects.toThrow('answered 500')
    expect(heard).toHaveLength(2)
  })
})
