import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { issuesOf } from '../../src/session/issues.ts'

const schema = z.strictObject({
  list: z.array(z.strictObject({ count: z.int() })).optional(),
  choice: z.union([z.array(z.strictObject({ name: z.string() })), z.strictObject({ file: z.string() })]).optional(),
  plain: z.union([z.string(), z.number()], { error: 'a text or a number' }).optional(),
})

const issues = (value: unknown) => {
  const parsed = schema.safeParse(value)
  return parsed.success ? [] : issuesOf(parsed.error)
}

describe('issuesOf', () => {
  it('names every problem with its path', () => {
    const found = issues({ list: [{ count: 1 }, { count: 1.5 }], plain: true })
    expect(found.map(({ path }) => path)).toEqual(['list[1].count', 'plain'])
    expect(found[1]?.message).toBe('a text or a number')
  })

  it('names each unknown key for itself', () => {
    expect(issues({ a: 1, b: 2 }).map(({ path }) => path)).toEqual(['a', 'b'])
    expect(issues({ list: [{ count: 1, more: 2 }] }).map(({ path }) => path)).toEqual(['list[0].more'])
  })

  it('shows the problems of the variant that was meant', () => {
    expect(issues({ choice: [{ name: 1 }] }).map(({ path }) => path)).toEqual(['choice[0].name'])
    expect(issues({ choice: { file: 1 } }).map(({ path }) => path)).toEqual(['choice.file'])
  })

  it('names the whole with an empty path', () => {
    expect(issues('text').map(({ path }) => path)).toEqual([''])
  })
})
