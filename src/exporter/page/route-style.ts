/** How a path is drawn on the status page: stops in a row that breaks where there is no room, joined by a line. */
export const ROUTE_STYLE = `
.routes { display: grid; gap: .9rem; margin-top: .9rem; border-top: 1px solid var(--line); padding-top: .7rem; }
.route { list-style: none; padding: 0; margin: .6rem 0; display: flex; flex-wrap: wrap; row-gap: .5rem; align-items: center; }
.route li { text-align: center; font-size: .85rem; line-height: 1.3; }
.route .stop { border: 1px solid var(--soft); border-radius: 8px; padding: .3rem .6rem; background: var(--ground); }
.route .gap { flex: 0 1 2rem; min-width: .9rem; border-top: 2px solid var(--soft); }
.route .gap.forgets, .route .gap.perhaps { flex: none; border: 2px dashed; border-radius: 8px; padding: .3rem .6rem; margin: 0 .9rem; position: relative; }
.route .gap.forgets::before, .route .gap.forgets::after, .route .gap.perhaps::before, .route .gap.perhaps::after {
  content: ""; position: absolute; top: 50%; width: calc(.9rem + 2px); border-top: 2px solid var(--soft); }
.route .gap.forgets::before, .route .gap.perhaps::before { right: 100%; }
.route .gap.forgets::after, .route .gap.perhaps::after { left: 100%; }
.route li.forgets { border-color: var(--bad); background: var(--bad-ground); color: var(--bad); }
.route li.perhaps { border-color: var(--bracket); background: var(--open-ground); color: var(--open); }
.route .place, .route .mark { display: block; font-weight: 600; white-space: nowrap; }
.route .address { display: block; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.todo::before { content: "What to do: "; font-weight: 600; }
.profile { padding-left: 1.1rem; font-size: .92rem; }
`;
