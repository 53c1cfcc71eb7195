import { describe, expect, it } from 'vitest'
import { headerValue, headerValues } from '../src/http.ts'

const HEADERS = ['Host', 'a.example', 'X-One', '1', 'x-one', '2', 'X-ONE', '']

describe('headerValues', () => {
  it('finds every value of a header in wire order, whatever the case of its name', () => {
    expect(headerValues(HEADERS, 'x-one')).toEqual(['1', '2', ''])
  })

  it('never takes a value for a name', () => {
    expect(headerValues(['a', 'host', 'b', 'x'], 'host')).toEqual([])
  })

  it('is empty where there is no such header, and ignores a name without a value', () => {
    expect(headerValues(HEADERS, 'x-two')).toEqual([])
    expect(headerValues(['x-two'], 'x-two')).toEqual([])
  })
})

describe('headerValue', () => {
  it('is the first value, or undefined', () => {
    expect(headerValue(HEADERS, 'x-one')).toBe('1')
    expect(headerValue(HEADERS, 'x-two')).toBeUndefined()
  })
})
