// The dashboard: asks /v1/overview each second and hands the answer to the view.
import { follow } from "./poll.js";
import { redraw, show } from "./view.js";

addEventListener("hashchange", redraw);
follow({ where: () => "/v1/overview", take: show });
