/**
 * Control: a budget that locks its row and sums its reservations in one statement at READ COMMITTED. The statement waits
 * for the lock and then sums what it saw before it waited, so that two may get the same room.
 */
import type { Sql } from 'postgres'
import type { Input, Output } from '../operations.ts'
import type { Way } from '../recorder.ts'

export async function createSumBudget(sql: Sql): Promise<void> {
  await sql.unsafe(`
    CREATE TABLE sum_budgets (id text PRIMARY KEY, cap bigint NOT NULL, open boolean NOT NULL DEFAULT true);
    CREATE TABLE sum_holds (id text PRIMARY KEY, budget text NOT NULL, amount bigint NOT NULL, state text NOT NULL);
    CREATE INDEX ON sum_holds (budget)`)
}

export async function openSumBudget(sql: Sql, id: string, cap: bigint): Promise<void> {
  await sql`INSERT INTO sum_budgets (id, cap) VALUES (${id}, ${cap.toString()})`
}

export function sumWay(sql: Sql, budget: string): Way {
  const changed = (rows: readonly unknown[]): Output => ({ kind: rows.length > 0 ? 'done' : 'refused' })
  const run = async (input: Input): Promise<Output> => {
    switch (input.do) {
      case 'reserve':
        return changed(await reserve(sql, { ...input, budget }))
      case 'sign':
        return changed(await sql`UPDATE sum_holds SET state = 'signed' WHERE id = ${input.id} AND state = 'reserved' RETURNING id`)
      case 'post':
        return changed(await sql`UPDATE sum_holds SET state = 'settled' WHERE id = ${input.id} AND state = 'signed' RETURNING id`)
      case 'void':
        return changed(
          await sql`UPDATE sum_holds SET state = 'void' WHERE id = ${input.id} AND state IN ('reserved', 'signed', 'void') RETURNING id`,
        )
      case 'topUp':
        return changed(await sql`UPDATE sum_budgets SET cap = cap + ${input.amount.toString()} WHERE id = ${budget} AND open RETURNING id`)
      default:
        return changed(await sql`SELECT id FROM sum_budgets WHERE id = ${budget}`)
    }
  }
  return run
}

interface Reserve {
  readonly id: string
  readonly amount: bigint
  readonly budget: string
}

function reserve(sql: Sql, { id, amount, budget }: Reserve): Promise<readonly unknown[]> {
  return sql`
    WITH locked AS (SELECT cap FROM sum_budgets WHERE id = ${budget} AND open FOR UPDATE)
    INSERT INTO sum_holds (id, budget, amount, state)
    SELECT ${id}, ${budget}, ${amount.toString()}, 'reserved' FROM locked
    WHERE (SELECT coalesce(sum(amount), 0) FROM sum_holds WHERE budget = ${budget} AND state <> 'void') + ${amount.toString()}::bigint <= locked.cap
    RETURNING id`
}
