import { request } from 'undici'
import { expect, it, onTestFinished } from 'vitest'
import { type PaidDispatcher, paidDispatcher } from '../../src/middleware/dispatcher.ts'
import { freshConfig, QUIET, SESSION } from './rig.ts'

async function opened(): Promise<PaidDispatcher> {
  const dispatcher = await paidDispatcher({ config: await freshConfig(), session: SESSION }, QUIET)
  onTestFinished(() => dispatcher.destroy())
  return dispatcher
}

const OWN = 'http://purser.internal/v1/session'

it('leads requests to the engine, those at the session’s own door among them', async () => {
  const dispatcher = await opened()
  const { statusCode, body } = await request(OWN, { dispatcher })
  expect([statusCode, await body.json()]).toEqual([200, expect.objectContaining({ agent: 'researcher', remaining: '5.00' })])
})

it('what the engine refuses is answered as the proxy would', async () => {
  const dispatcher = await opened()
  const { statusCode, body } = await request('http://127.0.0.1:9/', { dispatcher })
  expect([statusCode, await body.json()]).toEqual([403, expect.objectContaining({ code: 'destination_not_allowed' })])
})

it('closes once, however often it is asked, and takes nothing after that', async () => {
  const dispatcher = await opened()
  await new Promise<void>((resolve) => dispatcher.close(resolve))
  await Promise.all([dispatcher.close(), dispatcher.destroy()])
  await expect(request(OWN, { dispatcher })).rejects.toThrow('destroyed')
})

it('broken off, it lets its ledger go, so that the next one opens', async () => {
  const config = await freshConfig()
  const first = await paidDispatcher({ config, session: SESSION }, QUIET)
  await new Promise<void>((resolve) => first.destroy(null, resolve))
  const next = await paidDispatcher({ config, session: SESSION }, QUIET)
  await next.destroy()
})

it('a request that does not say where it goes is not sent', async () => {
  const dispatcher = await opened()
  expect(() => dispatcher.dispatch({ path: '/v1/session', method: 'GET' }, {})).toThrow('A request through Purser names its origin.')
})

it('shows what waits for people', async () => {
  expect(await (await opened()).oversight.pending()).toEqual([])
})
