import { expect, it } from 'vitest'
import { isRefused } from '../../src/mandate/mandate.ts'

it('tells what was refused from what was granted', () => {
  expect(isRefused({ why: 'no' })).toBe(true)
  expect(isRefused({ total: 1n })).toBe(false)
})
