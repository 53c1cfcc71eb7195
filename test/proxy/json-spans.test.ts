import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { edited, inserted, membersOf } from '../../src/proxy/json-spans.ts'

/** An object as any writer may write it: any members, any of the usual layouts. */
const written = fc
  .tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t', '\r\n '))
  .map(([value, space]) => ` ${JSON.stringify(value, null, space)}\n`)

/** As its text says it, with names that would be special in an object. */
const entriesOf = (text: string) => Object.entries(JSON.parse(text) as Record<string, unknown>)

describe('members of a JSON text', () => {
  it('each span is the text of its member’s value, for any object', () => {
    fc.assert(
      fc.property(written, (text) => {
        const found = [...(membersOf(text) ?? [])].map(([name, { start, end }]) => [
          name,
          JSON.stringify(JSON.parse(text.slice(start, end))),
        ])
        const said = entriesOf(text).map(([name, value]) => [name, JSON.stringify(value)])
        expect(found.sort()).toEqual(said.sort())
      }),
    )
  })

  it('a member that is put in or changed leaves all others as they are, for any object', () => {
    fc.assert(
      fc.property(written, fc.jsonValue(), (text, value) => {
        const members = membersOf(text)
        fc.pre(members !== undefined && !members.has('mine'))
        const more = edited(text, [inserted(text.indexOf('{'), members ?? new Map(), `"mine":${JSON.stringify(value)}`)])
        const span = membersOf(more)?.get('mine')
        expect(span && more.slice(span.start, span.end)).toBe(JSON.stringify(value))
        const without = entriesOf(more).filter(([name]) => name !== 'mine')
        expect(JSON.stringify(without)).toBe(JSON.stringify(entriesOf(text)))
      }),
    )
  })

  it.each(['[1]', '"{"', 'null', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}'])('%s has none that can be told apart', (text) => {
    expect(membersOf(text)).toBeUndefined()
  })

  it('strings of megabytes, nested braces and escaped quotes are no trouble', () => {
    const text = JSON.stringify({ long: 'x'.repeat(9_000_000), odd: '}]"\\\\"{[', deep: [[{ a: ']' }]], end: 1 })
    const span = membersOf(text)?.get('end')
    expect(span && text.slice(span.start, span.end)).toBe('1')
  })
})
