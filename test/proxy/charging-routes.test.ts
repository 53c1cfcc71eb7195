import { describe, expect, it } from 'vitest'
import { createChargingRoutes } from '../../src/proxy/charging-routes.ts'
import { readUrl, type Target } from '../../src/proxy/target.ts'

function target(url: string): Target {
  const read = readUrl(url)
  if (read.kind === 'fault') throw new Error(read.detail)
  return read
}

describe('charging routes', () => {
  it('a route is method, origin and path, not its query', () => {
    const routes = createChargingRoutes()
    routes.mark('POST', target('https://a.example/x?q=1'))
    expect(routes.has('POST', target('https://a.example/x?q=2'))).toBe(true)
    for (const [method, url] of [
      ['GET', 'https://a.example/x'],
      ['POST', 'http://a.example/x'],
      ['POST', 'https://a.example/x/y'],
      ['POST', 'https://b.example/x'],
    ] as const) {
      expect(routes.has(method, target(url))).toBe(false)
    }
  })

  it('remembers a bounded number', () => {
    const routes = createChargingRoutes(2)
    for (const path of ['1', '2', '3']) routes.mark('GET', target(`https://a.example/${path}`))
    expect(['1', '2', '3'].map((path) => routes.has('GET', target(`https://a.example/${path}`)))).toEqual([false, true, true])
  })
})
