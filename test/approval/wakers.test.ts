import { describe, expect, it } from 'vitest'
import { Wakers } from '../../src/approval/wakers.ts'

describe('wakers', () => {
  it('wake those who wait for this one, or all, and nobody who has gone', () => {
    const wakers = new Wakers()
    const woken: string[] = []
    const forget = wakers.add('apr_1', () => woken.push('one'))
    wakers.add('apr_1', () => woken.push('two'))
    wakers.add('apr_2', () => woken.push('three'))
    wakers.wake('apr_1')
    expect(woken).toEqual(['one', 'two'])
    forget()
    wakers.wakeAll()
    expect(woken).toEqual(['one', 'two', 'two', 'three'])
    wakers.wake('apr_none')
    expect(woken).toHaveLength(4)
  })

  it('keep nothing of what nobody waits for any more', () => {
    const wakers = new Wakers()
    const forget = wakers.add('apr_1', () => undefined)
    forget()
    forget()
    expect(wakers.size).toBe(0)
  })
})
