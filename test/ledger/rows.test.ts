import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { flag, int, json, maybeInt, maybeJson, maybeText, money, RowError, text, toJson, word } from '../../src/ledger/rows.ts'

const row = { t: 'word', n: 7n, big: 2n ** 60n, none: null, yes: 1n, list: '["a"]', broken: '{', bytes: new Uint8Array(1) }
const list = z.array(z.string())

describe('columns', () => {
  it('are read as what they hold', () => {
    expect([text(row, 't'), money(row, 'big'), int(row, 'n'), flag(row, 'yes'), flag(row, 'n')]).toEqual([
      'word',
      2n ** 60n,
      7,
      true,
      false,
    ])
    expect([maybeText(row, 'none'), maybeInt(row, 'none'), maybeJson(row, 'none', list)]).toEqual([null, null, null])
    expect([json(row, 'list', list), word(row, 't', ['word'])]).toEqual([['a'], 'word'])
  })

  it.each([
    ['text', () => text(row, 'n')],
    ['missing', () => text(row, 'missing')],
    ['money', () => money(row, 't')],
    ['unsafe count', () => int(row, 'big')],
    ['JSON', () => json(row, 'broken', list)],
    ['schema', () => json(row, 't', list)],
    ['other JSON', () => json(row, 'list', z.string())],
    ['word', () => word(row, 't', ['other'])],
  ])('that hold something else are an error of their own: %s', (_, read) => {
    expect(read).toThrow(RowError)
  })

  it('keep bigints as decimal text within JSON', () => {
    expect(toJson({ max: 2n ** 70n, of: [1n] })).toBe('{"max":"1180591620717411303424","of":["1"]}')
  })
})
