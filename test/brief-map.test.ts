import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { BriefMap } from '../src/brief-map.ts'

describe('a brief map', () => {
  it('has what was set and not deleted, in its order, under the last value', () => {
    const map = new BriefMap<number>()
    map.set('a', 1).set('b', 2).set('c', 3)
    expect([map.delete('a'), map.delete('a')]).toEqual([true, false])
    map.set('d', 4).set('b', 5)
    expect([map.size, map.has('a'), map.get('a'), map.get('b')]).toEqual([3, false, undefined, 5])
    expect(map.values()).toEqual([5, 3, 4])
    map.clear()
    expect([map.size, map.values(), map.get('b')]).toEqual([0, [], undefined])
    expect(map.set('e', 6).values()).toEqual([6])
  })

  it('may be changed by whoever goes through it', () => {
    const map = new BriefMap<string>().set('a', 'a').set('b', 'b')
    for (const key of map.values()) map.delete(key)
    expect(map.size).toBe(0)
  })

  it('lets go of what is deleted', async () => {
    const map = new BriefMap<object>()
    const held = new WeakRef(map.set('a', { large: true }).get('a') ?? {})
    map.delete('a')
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    expect([held.deref(), map.values()]).toEqual([undefined, []])
  })

  it('does not carry what has passed through it into the old generation, where a Map does', () => {
    expect(carriedBy(new BriefMap<object>())).toBeLessThan(carriedBy(new Map<string, object>()) / 5)
  })
})

interface Passed {
  set(key: string, value: object): unknown
  delete(key: string): boolean
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** The most that was there in the old generation at once, in bytes, while 20,000 objects came and went, 32 at a time. */
function carriedBy(map: Passed): number {
  let [before, most] = [oldBytes(), 0]
  for (let at = 0; at < 20_000; at++) {
    map.set(
      `key-${at}`,
      Array.from({ length: 100 }, () => ({ at })),
    )
    map.delete(`key-${at - 32}`)
    if (at === 100) {
      collect()
      before = oldBytes()
    }
    if (at % 100 === 0) most = Math.max(most, oldBytes() - before)
  }
  return most
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0
}
