/** Controls: what the races must catch, so that their silence means something. */

import { storeBut } from '../../approval/service-rig.ts'
import type { Breakage } from './races.ts'

/** Broken variants, each of which the judge has to catch. */
export const CONTROLS: { readonly [name: string]: Breakage } = {
  'a store that does not compare versions': {
    store: (store) =>
      storeBut(store, {
        async replaceApproval(approval) {
          const current = await store.approval(approval.id)
          return store.replaceApproval({ ...approval, version: (current?.version ?? 0) + 1 })
        },
      }),
  },
  'a store that finds claims by session alone': {
    trustsClaims: true,
    store: (store) =>
      storeBut(store, {
        async liveApprovals(session) {
          const pages = await Promise.all(
            (['pending', 'approved', 'passed'] as const).map((state) => store.approvals({ session, state }, { limit: 9 })),
          )
          return pages.flatMap(({ items }) => items)
        },
      }),
  },
  'a service that gives a window its end whatever was said': {
    service: (_, store) => ({
      async closeWindow(id) {
        const window = await store.approval(id)
        if (!window) throw new Error(`no window ${id}`)
        return { ...window, state: 'used' }
      },
    }),
  },
  'a service that claims without marking': {
    service: (_, store) => ({
      async claim(sessionId, digest) {
        return (await store.liveApprovals(sessionId, digest)).find(({ state }) => state !== 'pending')
      },
    }),
  },
  'a service that counts people twice': {
    service: (service) => ({
      vote: (id, vote) => service.vote(id, { ...vote, person: `${vote.person} ${Math.random()}` }),
    }),
  },
  'a service that lets anybody give a claim back': {
    service: (service, store) => ({
      async unclaim({ id }) {
        const current = await store.approval(id)
        if (current) await service.unclaim(current)
      },
    }),
  },
  'a payer that signs what it has': { signsBlindly: true },
  'a payer that takes any used window for its own': { takesAnyUsed: true },
}
