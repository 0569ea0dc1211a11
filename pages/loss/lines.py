"""The ten lines from ln p(x_0) to the simple loss: what each says, with places for today's numbers."""

from dataclasses import dataclass

from pages.shared.i18n import _

__all__ = ["LAST", "Said", "lines"]

LAST = 10


@dataclass(frozen=True)
class Said:
    """A line: its title, its formula, and rows of live numbers, in LaTeX."""

    title: str
    formula: str
    numbers: tuple[str, ...]

    @property
    def latex(self) -> str:
        """All of it, one below the other."""
        rows = (rf"\text{{{self.title}}}", self.formula, *self.numbers)
        return r" \\ ".join(f"& {row}" for row in rows)


def lines() -> list[Said]:
    """In their order."""
    return [*to_the_bound(), *to_the_terms(), *to_the_loss()]


def words(text: str) -> str:
    """Words in a formula."""
    return rf"\text{{{text}}}"


def to_the_bound() -> list[Said]:
    """What is wanted, the sum over paths, and Jensen."""
    return [
        Said(
            _("1. What is wanted: data that are likely"),
            r"-E\,\ln\,p_\theta(x_0) = H(x_0) + \mathrm{KL}(q\,\|\,p_\theta)",
            (
                r"\live{nll} = \live{H} + \live{kl}",
                words(_("of this, no model can remove")) + r"\; H(x_0)",
            ),
        ),
        Said(
            _("2. The model is a sum over all paths"),
            r"p_\theta(x_0) = \int p_\theta(x_{0:T})\,dx_{1:T} = E_q\,w, \quad "
            r"w = \frac{p_\theta(x_{0:T})}{q(x_{1:T}\mid x_0)}",
            (
                words(_("on a grid, at")) + r"\; x_0 = \live{x0}: \; \live{pushed}",
                words(_("over 20,000 paths:")) + r"\; \live{averaged} \pm \live{averaged_error}",
            ),
        ),
        Said(
            _("3. Jensen: ln goes inside. The only “≤”"),
            r"-\ln\,E_q\,w \le E_q[-\ln\,w]",
            (
                r"\live{nll} \le \live{bound} = \live{nll} + \live{gap}",
                words(_("KL of the paths, by itself:")) + r"\; \live{gap}",
            ),
        ),
    ]


def to_the_terms() -> list[Said]:
    """Markov, Bayes, and what telescopes."""
    return [
        Said(
            _("4. Markov: a product, so a sum of ln"),
            r"E_q\Big[-\ln\,p(x_T) - \sum_{t=1}^T\ln\,\frac{p_\theta(x_{t-1}\mid x_t)}{q(x_t\mid x_{t-1})}\Big]",
            (
                r"= \live{prior} + (\live{ratios}) = \live{bound}",
                words(_("over 20,000 paths:")) + r"\; \live{drawn} \pm \live{drawn_error}",
            ),
        ),
        Said(
            _("5. Bayes, x₀ known: steps turned round"),
            r"q(x_t\mid x_{t-1}) = \frac{q(x_{t-1}\mid x_t,x_0)\,q(x_t\mid x_0)}{q(x_{t-1}\mid x_0)}, \quad t \ge 2",
            (
                r"= \live{prior} + (\live{terms}) + (\live{jumps}) = \live{bound}",
                words(_("on all 20,000 paths equal to")) + r"\; \live{rounding}",
            ),
        ),
        Said(
            _("6. What telescopes is gone"),
            r"L_T + \sum_{t=2}^T L_{t-1} + L_0",
            (
                r"= \live{L_T} + \live{L_middle} + (\live{L_0}) = \live{bound}",
                words(_("KLs are not negative; L₀ is no KL")),
            ),
        ),
    ]


def to_the_loss() -> list[Said]:
    """Two Gaussians, the noise, and what is dropped."""
    return [
        Said(
            _("7. KL of Gaussians: constants and squares"),
            r"L_{t-1} = \frac12\Big[\frac{\tilde\beta_t}{\sigma_t^2}-1+\ln\,\frac{\sigma_t^2}{\tilde\beta_t}\Big]"
            r" + \frac{E\|\tilde\mu-\mu_\theta\|^2}{2\sigma_t^2}",
            (
                r"\live{L_T} + (\live{constants}) + \live{squares} = \live{bound}",
                words(_("the squares are what θ can change")),
            ),
        ),
        Said(
            _("8. From the mean to the noise"),
            r"\frac{\|\tilde\mu-\mu_\theta\|^2}{2\sigma_t^2} = w_t\,\|\varepsilon-\varepsilon_\theta\|^2, \quad "
            r"w_t = \frac{\beta_t^2}{2\sigma_t^2\alpha_t(1-\bar\alpha_t)}",
            (
                r"\sum_t w_t\,\ell_t + \sum_t w_t\,E\|\varepsilon_\theta-\varepsilon^*\|^2",
                r"= \live{floors} + \live{distances} = \live{squares}",
            ),
        ),
        Said(
            _("9. Constants dropped: they have no gradient"),
            r"\sum_{t=1}^T w_t\,E\|\varepsilon-\varepsilon_\theta\|^2",
            (
                r"= \live{bound} - (\live{dropped}) = \live{squares}",
                r"w_1 = \live{w_1}, \quad w_T = \live{w_T}",
            ),
        ),
        Said(
            _("10. Weights dropped: same best network"),
            r"L_{\mathrm{simple}} = \frac1T\sum_{t=1}^T E\|\varepsilon-\varepsilon_\theta\|^2",
            (
                r"= \live{simple} \ne \live{squares}",
                words(_("least, at the exact denoiser:")) + r"\; \live{simple_least}, \; "
                r"\live{squares_least}",
            ),
        ),
    ]
