/**
 * The checker: whether a recorded history is linearizable, by Wing and Gong's search with Lowe's memory of what was tried.
 * It takes the first call that no return forbids, looks whether the model agrees, and goes back where it does not.
 */
import { apply, type Budget, textOf } from './budget-model.ts'
import type { Operation } from './operations.ts'

interface Entry {
  readonly operation: Operation
  readonly index: number
  /** The return of a call; undefined in a return. */
  readonly match: Entry | undefined
  before: Entry | undefined
  after: Entry | undefined
}

/** An order of operations that explains the history, or undefined where there is none. */
export function linearize(operations: readonly Operation[], start: Budget): readonly Operation[] | undefined {
  const head = entriesOf(operations)
  const tried = new Set<string>()
  const taken: { readonly call: Entry; readonly budget: Budget }[] = []
  const done = new Uint8Array(operations.length)
  let budget = start
  let entry = head.after
  while (entry) {
    const next = entry.match ? apply(budget, entry.operation.input, entry.operation.output) : undefined
    if (entry.match && next && isNew(tried, done, entry.index, next)) {
      taken.push({ call: entry, budget })
      done[entry.index] = 1
      budget = next
      lift(entry)
      entry = head.after
    } else if (entry.match) {
      entry = entry.after
    } else {
      // Something has returned without having taken effect: the last choice was wrong.
      if (entry.operation.output === undefined) return taken.map(({ call }) => call.operation)
      const last = taken.pop()
      if (!last) return undefined
      done[last.call.index] = 0
      budget = last.budget
      unlift(last.call)
      entry = last.call.after
    }
  }
  return taken.map(({ call }) => call.operation)
}

function isNew(tried: Set<string>, done: Uint8Array, index: number, budget: Budget): boolean {
  done[index] = 1
  const name = `${done.join('')}${textOf(budget)}`
  done[index] = 0
  if (tried.has(name)) return false
  tried.add(name)
  return true
}

/** Calls and returns in their order, behind an empty head. What was never answered returns after everything else. */
function entriesOf(operations: readonly Operation[]): Entry {
  const entries: { readonly at: number; readonly entry: Entry }[] = []
  for (const [index, operation] of operations.entries()) {
    const end: Entry = { operation, index, match: undefined, before: undefined, after: undefined }
    const call: Entry = { operation, index, match: end, before: undefined, after: undefined }
    const returned = operation.output === undefined ? Number.POSITIVE_INFINITY : operation.returned
    entries.push({ at: operation.called, entry: call }, { at: returned, entry: end })
  }
  const head: Entry = { operation: NONE, index: -1, match: undefined, before: undefined, after: undefined }
  let last = head
  for (const { entry } of entries.sort((a, b) => a.at - b.at)) {
    last.after = entry
    entry.before = last
    last = entry
  }
  return head
}

const NONE: Operation = { client: -1, input: { do: 'balance' }, output: undefined, called: -1, returned: -1 }

function lift({ before, after, match }: Entry): void {
  if (before) before.after = after
  if (after) after.before = before
  if (!match) return
  if (match.before) match.before.after = match.after
  if (match.after) match.after.before = match.before
}

function unlift(call: Entry): void {
  const { match } = call
  if (match) {
    if (match.before) match.before.after = match
    if (match.after) match.after.before = match
  }
  if (call.before) call.before.after = call
  if (call.after) call.after.before = call
}
