import { expect, it } from 'vitest'
import { startEngine } from '../src/engine.ts'
import { openHouse } from '../src/house.ts'
import { freshConfig, QUIET } from './middleware/rig.ts'

it('without a listener only its own connections lead to it, and it names the agent’s own door as its address', async () => {
  await using started = new AsyncDisposableStack()
  const house = await openHouse(await freshConfig(), QUIET, started)
  const engine = await startEngine(house, { listens: false, adminUrl: () => '' }, started)
  expect(engine.proxy.url).toBe('http://purser.internal')
  expect(house.doors).toEqual([])
  const connection = engine.proxy.connect()
  connection.write('GET http://example.com/ HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n')
  expect(String(Buffer.concat(await connection.toArray()))).toMatch(/^HTTP\/1\.1 407 [\s\S]*session_required/)
  await engine.drain()
})
