import { describe, expect, it } from 'vitest'
import { ADMIN_TOKEN, type Fixture, startFixture } from './fixture.ts'

const AT = '2026-06-27T12:00:00.000Z'

async function press(fixture: Fixture, fields: Record<string, string>, headers: Record<string, string> = {}) {
  const body = new URLSearchParams({ scope: 'all', value: '', reason: '', action: 'halt', ...fields })
  const answer = await fixture.app.request('http://127.0.0.1:4021/stop', { method: 'POST', body, headers })
  return { status: answer.status, page: await answer.text() }
}

describe('the stop page', () => {
  it('is a form without scripts that nobody can frame, and needs no token to be read', async () => {
    await using fixture = await startFixture()
    const answer = await fixture.ask('/stop', { token: null })
    const page = await answer.text()
    expect(answer.status).toBe(200)
    expect(page).toContain('<button name="action" value="halt">Stop payments</button>')
    expect(page).not.toContain('<script')
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(await fixture.ledger.halts()).toEqual([])
  })

  it('stops all payments by one button, shows what is stopped, and lets them go on', async () => {
    await using fixture = await startFixture()
    const token = ADMIN_TOKEN
    const stopped = await press(fixture, { token, reason: 'odd <payments>' })
    expect(stopped.status).toBe(200)
    expect(stopped.page).toContain('<h1>Payments are stopped</h1>')
    expect(stopped.page).toContain('odd &#60;payments&#62;')
    expect(await fixture.ledger.halts()).toEqual([{ scope: 'all', value: '', reason: 'odd <payments>', at: Date.parse(AT) }])
    expect((await press(fixture, { token, action: 'resume' })).page).toContain('<h1>Nothing is stopped</h1>')
    expect(await fixture.ledger.halts()).toEqual([])
  })

  it('stops those of one recipient, and says what is wrong with one that cannot be met', async () => {
    await using fixture = await startFixture()
    const token = ADMIN_TOKEN
    expect((await press(fixture, { token, scope: 'recipient', value: 'https://x.example/a' })).page).toContain('no recipient can be meant')
    expect(await fixture.ledger.halts()).toEqual([])
    await press(fixture, { token, scope: 'recipient', value: 'x.example' })
    expect(await fixture.ledger.halts()).toMatchObject([{ scope: 'recipient', value: 'x.example' }])
  })

  it.each(['auditor', 'approver'] as const)('changes nothing with the token of an %s', async (role) => {
    await using fixture = await startFixture()
    const { status, page } = await press(fixture, { token: await fixture.token(role) })
    expect(status).toBe(403)
    expect(page).toContain('Nothing was changed.')
    expect(await fixture.ledger.halts()).toEqual([])
  })

  it('G10: never tells the log what was typed as a token', async () => {
    await using fixture = await startFixture()
    const { status } = await press(fixture, { token: 'canary\nsecret’s' })
    expect(status).toBe(400)
    expect(fixture.faults).toEqual([])
  })

  it.each(['', 'wrong', 'a b'])('changes nothing with the token %j', async (token) => {
    await using fixture = await startFixture()
    const { status, page } = await press(fixture, { token })
    expect(status).toBe(401)
    expect(page).toContain('no valid admin token')
    expect(await fixture.ledger.halts()).toEqual([])
  })

  it('takes no form from a page of another site, nor one that is not its own', async () => {
    await using fixture = await startFixture()
    const token = ADMIN_TOKEN
    expect((await press(fixture, { token }, { origin: 'https://evil.example' })).status).toBe(403)
    // A form of another site is a navigation, as a link in a chat is; only the link may come in.
    const elsewhere = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' }
    expect((await press(fixture, { token }, elsewhere)).status).toBe(403)
    expect((await fixture.ask('/stop', { token: null, headers: elsewhere })).status).toBe(200)
    expect((await press(fixture, { token, more: '1' })).status).toBe(400)
    expect(await fixture.ledger.halts()).toEqual([])
  })
})
