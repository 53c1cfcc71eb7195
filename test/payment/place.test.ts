import { describe, expect, it } from 'vitest'
import { placeOf } from '../../src/payment/place.ts'

describe('the place of a URL', () => {
  it.each([
    ['https://api.example.com/v1?q=1', { origin: 'https://api.example.com', host: 'api.example.com', port: 443, path: '/v1' }],
    ['http://localhost:8080/', { origin: 'http://localhost:8080', host: 'localhost', port: 8080, path: '/' }],
    ['https://[::1]:4000/a', { origin: 'https://[::1]:4000', host: '::1', port: 4000, path: '/a' }],
    ['http://10.0.0.1/', { origin: 'http://10.0.0.1', host: '10.0.0.1', port: 80, path: '/' }],
  ])('%s: host without brackets, port always given, no query', (url, place) => {
    expect(placeOf(url)).toEqual(place)
    expect(placeOf(url)).toBe(placeOf(url))
    expect(placeOf(`${url}?another=/v2?x`)).toEqual(place)
  })

  it('is read anew, and not remembered, where its path is long', () => {
    const path = `/${'p'.repeat(600)}`
    expect(placeOf(`https://api.example.com${path}?q`).path).toBe(path)
    expect(placeOf(`https://api.example.com${path}`)).not.toBe(placeOf(`https://api.example.com${path}`))
  })
})
