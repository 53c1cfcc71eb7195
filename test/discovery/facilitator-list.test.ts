import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createFacilitatorList } from '../../src/discovery/facilitator-list.ts'
import { MAX_DISCOVERY_PAGE_BYTES } from '../../src/limits.ts'
import { entry, page, USDC } from './listings.ts'

/** A facilitator that answers so, and a list that asks it. */
async function facilitator(answer: RequestListener) {
  const asked: string[] = []
  const warnings: string[] = []
  const state = { answer }
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    state.answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const list = createFacilitatorList({
    url: `http://127.0.0.1:${port}/discovery/resources?type=http`,
    refresh_ms: 60_000,
    assets: [USDC],
    see: () => ({ category: 'search', blocked: false }),
    events: { warned: (sentence) => void warnings.push(sentence) },
    timeout_ms: 2_000,
  })
  return {
    ...{ list, asked, warnings, state },
    async [Symbol.asyncDispose]() {
      list.stop()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const json =
  (body: unknown, status = 200): RequestListener =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const PLACE = 'https://api.example.com/search'

describe('a facilitator’s list', () => {
  it('is asked page by page until its end', async () => {
    const items = Array.from({ length: 250 }, (_, at) => entry(`https://api.example.com/${at}`, at + 1))
    await using world = await facilitator((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://x')
      const offset = Number.parseInt(searchParams.get('offset') ?? '', 10)
      json(page(items.slice(offset, offset + Number.parseInt(searchParams.get('limit') ?? '', 10)), 250))(request, response)
    })
    await world.list.refresh()
    expect(world.list.known('https://api.example.com/249')).toMatchObject({ amount: 250n })
    expect(world.asked).toEqual([0, 100, 200].map((offset) => `/discovery/resources?type=http&limit=100&offset=${offset}`))
    const wanted = { url: 'https://b.example/', categories: ['search'], amount: 2n, currency: 'USD' }
    expect(world.list.alternatives(wanted).map(({ amount }) => amount)).toEqual([1n, 2n])
  })

  it.each<[string, RequestListener]>([
    ['says no', json({ error: 'no' }, 500)],
    ['answers something else', json({ hello: 'world' })],
    ['sends somewhere else', (_, response) => response.writeHead(302, { location: 'https://evil.example/' }).end()],
    ['never stops', (_, response) => response.writeHead(200).end(' '.repeat(MAX_DISCOVERY_PAGE_BYTES + 1))],
    ['breaks off', (request) => request.socket.destroy()],
  ])('stays as it was where the facilitator %s, with one warning', async (_, answer) => {
    await using world = await facilitator(json(page([entry(PLACE, 5)])))
    await world.list.refresh()
    world.state.answer = answer
    await world.list.refresh()
    await world.list.refresh()
    expect(world.list.known(PLACE)).toMatchObject({ amount: 5n })
    expect(world.warnings).toEqual([expect.stringMatching(/^The list of resources at 127\.0\.0\.1:\d+ could not be read\.$/)])
    world.state.answer = json(page([]))
    await world.list.refresh()
    expect(world.list.known(PLACE)).toBeUndefined()
  })

  it('ends by itself where a facilitator never ends it', async () => {
    const many = Array.from({ length: 5_000 }, (_, at) => entry(`https://api.example.com/${at}`, 1))
    await using world = await facilitator(json(page(many, 1_000_000_000)))
    await world.list.refresh()
    expect(world.asked).toHaveLength(4)
  })

  it('asks once at the start, and not twice at a time', async () => {
    await using world = await facilitator(json(page([entry(PLACE, 5)])))
    world.list.start()
    await Promise.all([world.list.refresh(), world.list.refresh()])
    expect(world.asked).toHaveLength(1)
    expect(world.list.known(PLACE)).toBeDefined()
  })
})
