import { LeaderboardView, type LeaderboardTraits } from "./leaderboard/view";
import type { ViewHost } from "./shared/model";

export default {
  render({ model, el }: ViewHost<LeaderboardTraits>): () => void {
    const view = new LeaderboardView(model, el);
    return () => view.dispose();
  },
};
