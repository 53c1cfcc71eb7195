/** What the checker says about a recorded history, for people. */
import { budgetOf } from './budget-model.ts'
import { linearize } from './checker.ts'
import { describe, type Operation } from './operations.ts'

/** 'linearizable', or the whole history where nothing explains it. */
export function verdictOn(operations: readonly Operation[], cap: bigint): string {
  if (linearize(operations, budgetOf(cap))) return 'linearizable'
  const inOrder = [...operations].sort((a, b) => a.called - b.called)
  return ['no order explains what was answered:', ...inOrder.map(describe)].join('\n')
}
