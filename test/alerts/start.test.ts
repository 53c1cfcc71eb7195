import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultsOf, startAlerts } from '../../src/alerts/start.ts'
import type { Alert } from '../../src/approval/alert.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type House, openHouse } from '../../src/house.ts'
import { temporaryFolder } from '../config/folder.ts'

const started = new AsyncDisposableStack()
const told: Alert[] = []
let house: House

beforeAll(async () => {
  const folder = started.use(await temporaryFolder())
  const config = await loadConfig({ file: await folder.write('purser.yaml', 'networks: [{ id: base-sepolia }]'), env: {} })
  house = await openHouse(config, { logLevel: 'silent', env: {} }, started)
  const notices = { hurry: () => undefined, alert: async (alert: Alert) => ({ queued: told.push(alert) }) }
  await startAlerts(house, { contacts: { people: [], shared: [] }, notices, post: async () => 200 }, started)
})
afterAll(() => started.disposeAsync())

describe('alerts at work', () => {
  it('what the program tells of becomes an alert to owners', async () => {
    house.telemetry.events.circuitTurned({ host: 'api.example.com', state: 'open' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toMatchObject([{ type: 'circuit.opened', data: { host: 'api.example.com' } }])
  })

  it('what people stopped is no fault of the ledger', async () => {
    const { ledger } = house
    await ledger.halt({ scope: 'all', value: '', reason: 'drill', at: house.clock.now() })
    expect([(await ledger.readiness()).length, await faultsOf(ledger)]).toEqual([1, []])
    expect(await faultsOf({ readiness: async () => ['The disk is full.'], halts: () => ledger.halts() })).toEqual(['The disk is full.'])
  })
})
