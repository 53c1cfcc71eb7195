import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningPurser, runHere, spawnPurser, startPurser } from './running-purser.ts'

let purser: RunningPurser
beforeAll(async () => {
  purser = await startPurser()
})
afterAll(() => purser[Symbol.asyncDispose]())

describe('balance', () => {
  it('says what remains of a session in its first line', async () => {
    const { id } = await purser.json('session', 'open', '--agent', 'a', '--purpose', 'p', '--cap', '10.00', '--ttl', '1h')
    const { code, out } = await purser.run('balance', String(id))
    expect(code).toBe(0)
    expect(out.split('\n')[0]).toBe('Remaining: $10.00 of $10.00')
    expect(await purser.json('balance', String(id))).toMatchObject({ id, remaining: '10.00', held: '0.00', state: 'open' })
  })

  it('an unknown session is a failure that says so', async () => {
    const { code, err } = await purser.run('balance', 'ses_unknown')
    expect(code).toBe(1)
    expect(err).toContain('ses_unknown')
  })

  it('a wrong token is a failure that says how to get a right one', async () => {
    const { code, err } = await runHere(['balance', 'x'], { ...purser.env, PURSER_ADMIN_TOKEN: 'wrong' })
    expect(code).toBe(1)
    expect(err).toContain('purser token create')
  })

  it('where no Purser runs, says how to start one', async () => {
    const { code, err } = await runHere(['balance', 'x'], { PURSER_ADMIN_URL: 'http://127.0.0.1:1', PURSER_ADMIN_TOKEN: 't' })
    expect(code).toBe(1)
    expect(err).toContain('No Purser answers at http://127.0.0.1:1.\nStart one with `purser serve`')
  })

  it('the admin API is never asked through a proxy, whatever the variables say', async () => {
    const { id } = await purser.json('session', 'open', '--agent', 'a', '--purpose', 'p', '--cap', '1', '--ttl', '1h')
    const proxied = { HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1', NODE_USE_ENV_PROXY: '1' }
    const { code, out } = await spawnPurser(['balance', String(id)], { env: { ...purser.env, ...proxied } })
    expect([code, out.split('\n')[0]]).toEqual([0, 'Remaining: $1.00 of $1.00'])
  })
})
