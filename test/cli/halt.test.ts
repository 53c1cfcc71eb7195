import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createAdminClient } from '../../src/cli/admin-client.ts'
import { type RunningPurser, startPurser } from './running-purser.ts'

let purser: RunningPurser
beforeAll(async () => {
  purser = await startPurser()
})
afterAll(() => purser[Symbol.asyncDispose]())

const Halts = z.object({ items: z.array(z.looseObject({ scope: z.string(), value: z.string(), reason: z.string() })) })

async function halts() {
  const admin = createAdminClient({ url: purser.env.PURSER_ADMIN_URL, token: purser.env.PURSER_ADMIN_TOKEN })
  return (await admin.get('/v1/halts', Halts)).items.map(({ scope, value, reason }) => ({ scope, value, reason }))
}

describe('halt and resume', () => {
  it('without a name they stop and start everything', async () => {
    const { code, out } = await purser.run('halt', '--reason', 'odd spending')
    expect(code).toBe(0)
    expect(out).toContain('Payments are halted for everything.')
    expect(await halts()).toEqual([{ scope: 'all', value: '', reason: 'odd spending' }])
    expect((await purser.run('resume')).out).toBe('The halt for everything is lifted.\nNothing is halted.\n')
    expect(await halts()).toEqual([])
  })

  it.each(['agent', 'session', 'recipient'])('by %s they stop and start only that one', async (scope) => {
    const value = scope === 'session' ? await openedSession() : scope === 'recipient' ? '0x209693Bc6afc0C5328bA36FaF03C514EF312287C' : 'x'
    expect((await purser.run('halt', `--${scope}`, value)).code).toBe(0)
    expect(await halts()).toMatchObject([{ scope, value }])
    expect((await purser.run('resume', `--${scope}`, value)).code).toBe(0)
    expect(await halts()).toEqual([])
  })

  it('resuming says what was not halted and what still is', async () => {
    await purser.run('halt', '--agent', 'x')
    expect((await purser.run('resume')).out).toBe('There was no halt for everything.\nStill halted: agent x.\n')
    expect((await purser.run('resume', '--agent', 'x')).out).toBe('The halt for agent x is lifted.\nNothing is halted.\n')
  })

  it('a session that does not exist cannot be halted', async () => {
    expect(await purser.run('halt', '--session', 'ses_unknown')).toMatchObject({ code: 1, err: expect.stringContaining('ses_unknown') })
  })
})

async function openedSession(): Promise<string> {
  return String((await purser.json('session', 'open', '--agent', 'a', '--purpose', 'p', '--cap', '1', '--ttl', '1h')).id)
}
