import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../src/config/load.ts'
import { type House, openHouse } from '../src/house.ts'
import { type PeopleAtWork, startPeople } from '../src/people.ts'
import { shownOf } from './approval/facts.ts'
import { temporaryFolder } from './config/folder.ts'
import { type Receiver, startReceiver } from './e2e/receiver.ts'
import { fixtures } from './ledger/fixtures.ts'

const started = new AsyncDisposableStack()
let receiver: Receiver
let house: House
let people: PeopleAtWork

beforeAll(async () => {
  receiver = started.use(await startReceiver())
  const folder = started.use(await temporaryFolder())
  const yaml = `
people: [{ id: olga, roles: [owner, approver], webhook: "${receiver.url}", webhookSecret: "env:HOOK" }]
networks: [{ id: base-sepolia }]
`
  const env = { HOOK: receiver.secret }
  const config = await loadConfig({ file: await folder.write('purser.yaml', yaml), env })
  house = await openHouse(config, { logLevel: 'silent', env }, started)
  people = await startPeople(house, { adminUrl: () => 'http://127.0.0.1:4021', stopping: AbortSignal.any([]) }, started)
})
afterAll(() => started.disposeAsync())

async function asked() {
  const session = await house.ledger.openSession(fixtures(house.ids, () => house.clock.now()).session())
  const { id: sessionId, agent } = session
  const approval = await people.approvals.ask({ sessionId, agent, shown: shownOf(), required: 1, timeout_ms: 60_000 })
  return { sessionId, approval }
}

describe('people at work', () => {
  it('what is asked reaches a person’s webhook, signed, and counts as noticed', async () => {
    const { approval } = await asked()
    await vi.waitFor(async () => {
      expect((await people.approvals.approval(approval.id))?.noticedAt).toEqual(expect.any(Number))
    })
    expect(receiver.messages.at(-1)).toMatchObject({ type: 'approval.requested', data: { id: approval.id } })
    expect(receiver.forgeries).toEqual([])
  })

  it('R15: what was asked dies with its session', async () => {
    const { approval, sessionId } = await asked()
    await house.ledger.revoke(sessionId)
    await vi.waitFor(async () => expect((await people.approvals.approval(approval.id))?.state).toBe('withdrawn'))
  })

  it('an agent is told where an approval can be seen, and waits as long as the operator says', () => {
    expect(people.payers.approvalUrl('apr_1')).toBe('http://127.0.0.1:4021/#/approvals/apr_1')
    expect(people.payers).toMatchObject({ hold_ms: 30_000, vetoHold_ms: 60_000 })
    expect(people.secureCookies).toBe(false)
  })
})
