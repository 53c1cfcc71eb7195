import { describe, expect, it } from 'vitest'
import { fieldsIn, isFields } from '../../src/rails/fields.ts'

describe('fields', () => {
  it('are an object’s, and nothing else’s', () => {
    expect([{}, { a: 1 }].map(isFields)).toEqual([true, true])
    expect([null, [], 'a', 1, undefined].map(isFields)).toEqual([false, false, false, false, false])
  })

  it('are read from a text that holds an object', () => {
    expect(fieldsIn('{"a":1}')).toEqual({ a: 1 })
    for (const text of ['', '{', '[]', 'null', '1']) expect(fieldsIn(text)).toBeUndefined()
  })
})
