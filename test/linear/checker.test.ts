import { describe, expect, it } from 'vitest'
import { budgetOf } from './budget-model.ts'
import { linearize } from './checker.ts'
import type { Input, Operation, Output } from './operations.ts'

const done: Output = { kind: 'done' }
const refused: Output = { kind: 'refused' }
const reserve = (id: string, amount: bigint): Input => ({ do: 'reserve', id, amount })
const balance = (spent: bigint, held: bigint, cap = 25n): Output => ({ kind: 'balance', cap, spent, held, open: true })

/** Times are [called, returned]. */
function operation(client: number, times: readonly [number, number], input: Input, output: Output | undefined): Operation {
  return { client, input, output, called: times[0], returned: times[1] }
}

const holds = (...operations: readonly Operation[]) => linearize(operations, budgetOf(25n)) !== undefined

describe('a history that a budget of 25 could have had is accepted', () => {
  it('when nothing happened', () => {
    expect(holds()).toBe(true)
  })

  it('when three of 10 were asked for at once and any two were given', () => {
    for (const refusedOne of [0, 1, 2]) {
      const three = [0, 1, 2].map((at) => operation(at, [at, 10 + at], reserve(`${at}`, 10n), at === refusedOne ? refused : done))
      expect(holds(...three)).toBe(true)
    }
  })

  it('when a balance saw one of two concurrent reservations', () => {
    expect(
      holds(
        operation(0, [0, 9], reserve('a', 10n), done),
        operation(1, [1, 8], reserve('b', 10n), done),
        operation(2, [2, 3], { do: 'balance' }, balance(0n, 10n)),
      ),
    ).toBe(true)
  })

  it('when room came by a void that was under way', () => {
    expect(
      holds(
        operation(0, [0, 1], reserve('a', 20n), done),
        operation(0, [2, 9], { do: 'void', id: 'a' }, done),
        operation(1, [3, 4], reserve('b', 20n), done),
      ),
    ).toBe(true)
  })

  it('when what was never answered took effect, or did not', () => {
    const lost = operation(0, [0, 0], reserve('a', 20n), undefined)
    expect(holds(lost, operation(1, [5, 6], reserve('b', 20n), refused))).toBe(true)
    expect(holds(lost, operation(1, [5, 6], reserve('b', 20n), done))).toBe(true)
  })

  it('and the order that explains it is told', () => {
    const first = operation(0, [0, 9], reserve('a', 20n), refused)
    const second = operation(1, [1, 8], reserve('b', 20n), done)
    expect(linearize([first, second], budgetOf(25n))).toEqual([second, first])
  })
})

describe('a history that no budget of 25 can have had is refused', () => {
  it('when three of 10 were all given', () => {
    expect(holds(...[0, 1, 2].map((at) => operation(at, [at, 10 + at], reserve(`${at}`, 10n), done)))).toBe(false)
  })

  it('when something was refused although there was room all the time', () => {
    expect(holds(operation(0, [0, 1], reserve('a', 10n), done), operation(0, [2, 3], reserve('b', 10n), refused))).toBe(false)
  })

  it('when a balance that was asked for later did not see what was done before', () => {
    expect(holds(operation(0, [0, 1], reserve('a', 10n), done), operation(1, [2, 3], { do: 'balance' }, balance(0n, 0n)))).toBe(false)
  })

  it('when two balances, one after the other, saw time run backwards', () => {
    expect(
      holds(
        operation(0, [0, 9], reserve('a', 10n), done),
        operation(1, [1, 2], { do: 'balance' }, balance(0n, 10n)),
        operation(1, [3, 4], { do: 'balance' }, balance(0n, 0n)),
      ),
    ).toBe(false)
  })

  it('when room was given that came only by a later void', () => {
    expect(
      holds(
        operation(0, [0, 1], reserve('a', 20n), done),
        operation(1, [2, 3], reserve('b', 20n), done),
        operation(0, [4, 5], { do: 'void', id: 'a' }, done),
      ),
    ).toBe(false)
  })

  it('when something was reserved after the close had returned', () => {
    expect(holds(operation(0, [0, 1], { do: 'close' }, done), operation(1, [2, 3], reserve('a', 1n), done))).toBe(false)
  })

  it('when the same reservation was posted and voided', () => {
    expect(
      holds(
        operation(0, [0, 1], reserve('a', 5n), done),
        operation(0, [2, 3], { do: 'sign', id: 'a' }, done),
        operation(0, [4, 9], { do: 'post', id: 'a' }, done),
        operation(1, [5, 8], { do: 'void', id: 'a' }, done),
      ),
    ).toBe(false)
  })
})
