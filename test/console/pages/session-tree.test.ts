/** Sessions as a tree. */
import { describe, expect, it } from 'vitest'
import { type Branch, branches, isAtWork, merged, missingParents } from '../../../src/console/pages/session-tree.ts'
import type { SessionView } from '../../../src/console/pages/shapes.ts'

function session(id: string, parent: string | null = null, state: SessionView['state'] = 'open'): SessionView {
  return {
    ...{ id, parent, state, name: null, agent: 'a', purpose: 'p', currency: 'USD', cap: '1', spent: '0', held: '0', remaining: '1' },
    ...{ createdAt: '2026-06-27T14:00:00.000Z', expiresAt: '2026-06-27T15:00:00.000Z', payments: 0, limits: {}, scope: {} },
    ...{ networks: [], assets: [], wallet: { name: null, address: null }, owner: 'ops', singleUse: false, labels: {} },
    ...{ refill: null, refillsAt: null },
  }
}

const names = (of: readonly Branch[]): unknown[] =>
  of.map(({ session: { id }, below }) => (below.length === 0 ? id : [id, ...names(below)]))

describe('sessions as a tree', () => {
  it('each stands below its parent, in the order in which they came', () => {
    const sessions = [session('d', 'b'), session('c', 'a'), session('b', 'a'), session('x'), session('a')]
    expect(names(branches(sessions))).toEqual(['x', ['a', 'c', ['b', 'd']]])
  })

  it('one whose parent was not read stands at the top, and its parent is named as missing, once', () => {
    const sessions = [session('c', 'gone'), session('b', 'gone'), session('a')]
    expect(names(branches(sessions))).toEqual(['c', 'b', 'a'])
    expect(missingParents(sessions)).toEqual(['gone'])
    expect(missingParents([...sessions, session('gone')])).toEqual([])
  })

  it('a branch is at work as long as anything in it can still pay or is still held', () => {
    const [ended] = branches([session('a', null, 'closed'), session('b', 'a', 'expired')])
    const [open] = branches([session('a', null, 'closed'), session('b', 'a', 'closing')])
    expect([ended && isAtWork(ended), open && isAtWork(open)]).toEqual([false, true])
  })

  it('what is read again replaces what was read, and stands once', () => {
    const again = merged([session('a'), session('b')], [session('b', null, 'closed'), session('c')])
    expect(again.map(({ id, state }) => `${id} ${state}`)).toEqual(['a open', 'b closed', 'c open'])
  })
})
