import { HistoryStripView, type HistoryStripTraits } from "./historystrip/view";
import type { ViewHost } from "./shared/model";

export default {
  render({ model, el }: ViewHost<HistoryStripTraits>): () => void {
    const view = new HistoryStripView(model, el);
    return () => view.dispose();
  },
};
