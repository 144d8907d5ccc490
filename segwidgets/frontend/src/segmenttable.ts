import { SegmentTableView, type SegmentTableTraits } from "./segmenttable/view";
import type { ViewHost } from "./shared/model";

export default {
  render({ model, el }: ViewHost<SegmentTableTraits>): () => void {
    const view = new SegmentTableView(model, el);
    return () => view.dispose();
  },
};
