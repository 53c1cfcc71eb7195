/**
 * Loaded before the program, in its own process: kills it with SIGKILL the moment it passes the planned waypoint for the
 * n-th time. The plan comes in the environment, for what happens at start, or from the parent process.
 */
import { subscribe } from 'node:diagnostics_channel'
import { openSync } from 'node:fs'
import { z } from 'zod'

/** `once`: a file that the first process to die there makes, so that of several processes no other one does. */
const planSchema = z.object({ waypoint: z.string(), pass: z.int().min(1), once: z.string().optional() })

let plan: z.infer<typeof planSchema> | undefined
if (process.env.PURSER_CRASH) plan = planSchema.parse(JSON.parse(process.env.PURSER_CRASH))

subscribe('purser:waypoint', (name) => {
  if (plan === undefined || name !== plan.waypoint) return
  plan.pass -= 1
  if (plan.pass === 0 && isFirst(plan.once)) process.kill(process.pid, 'SIGKILL')
})

function isFirst(once: string | undefined): boolean {
  try {
    if (once !== undefined) openSync(once, 'wx')
    return true
  } catch {
    return false
  }
}

process.on('message', (message) => {
  const read = planSchema.safeParse(message)
  // What a program says to its own workers is no plan.
  if (!read.success) return
  plan = read.data
  process.send?.('armed')
})
// A program that has nothing else to do may end.
process.channel?.unref()
