/**
 * Loaded before the program, in its own process: kills it with SIGKILL the moment it passes the planned waypoint for the
 * n-th time. The plan comes in the environment, for what happens at start, or from the parent process.
 */
import { subscribe } from 'node:diagnostics_channel'
import { z } from 'zod'

const planSchema = z.object({ waypoint: z.string(), pass: z.int().min(1) })

let plan: z.infer<typeof planSchema> | undefined
if (process.env.PURSER_CRASH) plan = planSchema.parse(JSON.parse(process.env.PURSER_CRASH))

subscribe('purser:waypoint', (name) => {
  if (plan === undefined || name !== plan.waypoint) return
  plan.pass -= 1
  if (plan.pass === 0) process.kill(process.pid, 'SIGKILL')
})

process.on('message', (message) => {
  plan = planSchema.parse(message)
  process.send?.('armed')
})
// A program that has nothing else to do may end.
process.channel?.unref()
