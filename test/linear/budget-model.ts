/** The sequential model: what one budget answers when it is asked for one thing after the other. */
import type { Input, Output } from './operations.ts'

type Hold = 'reserved' | 'signed' | 'settled' | 'void'

export interface Budget {
  readonly cap: bigint
  readonly open: boolean
  /** By reservation: amount and state. */
  readonly holds: ReadonlyMap<string, readonly [amount: bigint, state: Hold]>
}

export function budgetOf(cap: bigint): Budget {
  return { cap, open: true, holds: new Map() }
}

/** Where the budget stands afterwards, or undefined where it would not have answered that. */
export function apply(budget: Budget, input: Input, output: Output | undefined): Budget | undefined {
  const [after, answer] = answerOf(budget, input)
  return output === undefined || same(answer, output) ? after : undefined
}

/** A text that two budgets share exactly if they will answer alike. */
export function textOf({ cap, open, holds }: Budget): string {
  const held = [...holds].map(([id, [, state]]) => `${id}${state}`).sort()
  return `${cap}${open}${held.join()}`
}

const DONE: Output = { kind: 'done' }
const REFUSED: Output = { kind: 'refused' }

function answerOf(budget: Budget, input: Input): readonly [Budget, Output] {
  switch (input.do) {
    case 'reserve':
      return reserve(budget, input)
    case 'sign':
      return move(budget, input.id, { from: ['reserved'], to: 'signed' })
    case 'post':
      return move(budget, input.id, { from: ['signed'], to: 'settled' })
    case 'void':
      return move(budget, input.id, { from: ['reserved', 'signed', 'void'], to: 'void' })
    case 'topUp':
      return budget.open ? [{ ...budget, cap: budget.cap + input.amount }, DONE] : [budget, REFUSED]
    case 'close':
      return [close(budget), DONE]
    case 'balance':
      return [budget, { kind: 'balance', cap: budget.cap, ...sumsOf(budget), open: budget.open }]
  }
}

function reserve(budget: Budget, { id, amount }: { readonly id: string; readonly amount: bigint }): readonly [Budget, Output] {
  const { spent, held } = sumsOf(budget)
  const fits = budget.open && spent + held + amount <= budget.cap
  return fits ? [{ ...budget, holds: new Map([...budget.holds, [id, [amount, 'reserved'] as const]]) }, DONE] : [budget, REFUSED]
}

function move(budget: Budget, id: string, { from, to }: { readonly from: readonly Hold[]; readonly to: Hold }): readonly [Budget, Output] {
  const hold = budget.holds.get(id)
  if (!hold || !from.includes(hold[1])) return [budget, REFUSED]
  return [{ ...budget, holds: new Map([...budget.holds, [id, [hold[0], to] as const]]) }, DONE]
}

/** Closing frees what was never signed. */
function close(budget: Budget): Budget {
  const holds = [...budget.holds].map(([id, [amount, state]]) => [id, [amount, state === 'reserved' ? 'void' : state]] as const)
  return { ...budget, open: false, holds: new Map(holds) }
}

function sumsOf({ holds }: Budget): { readonly spent: bigint; readonly held: bigint } {
  let [spent, held] = [0n, 0n]
  for (const [amount, state] of holds.values()) {
    if (state === 'settled') spent += amount
    else if (state !== 'void') held += amount
  }
  return { spent, held }
}

function same(a: Output, b: Output): boolean {
  if (a.kind !== 'balance' || b.kind !== 'balance') return a.kind === b.kind
  return a.cap === b.cap && a.spent === b.spent && a.held === b.held && a.open === b.open
}
