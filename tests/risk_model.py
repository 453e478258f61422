"""The risk model once more, in numpy and from scratch: what the SQL is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
HALF_LIFE_S = 730 * 86400
CELL_M, BANDWIDTH_M, SAMPLE_M, SQUARE_M = 50, 175, 25, 1500
HOURS = np.arange(48)
HOUR_SHARE = np.where(HOURS < 24, 5, 2) / 168
CLOCK = HOURS % 24
PART = np.select([(CLOCK >= 6) & (CLOCK < 18), (CLOCK >= 18) & (CLOCK < 23)], [0, 1], 2) + np.where(
    HOURS < 24, 0, 3
)
PART_SHARE = np.bincount(PART, HOUR_SHARE)


@dataclass(frozen=True)
class Crime:
    """A crime at x, y metres of the city's UTM zone."""

    x: float
    y: float
    at: datetime
    has_hour: bool
    severity: int
    is_street: bool


@dataclass(frozen=True)
class Edge:
    """A street as the corners of its line, metres of the UTM zone, and its length in metres."""

    line: Floats
    length_m: float


class RiskModel:
    """Densities of edges and the factors that make them risk; newest crime weighs its severity."""

    def __init__(self, edges: Sequence[Edge], crimes: Sequence[Crime], time_zone: str) -> None:
        self.edges, self.crimes = edges, crimes
        newest = max(crime.at for crime in crimes)
        zone = ZoneInfo(time_zone)
        self.weight = np.array(
            [c.severity * 0.5 ** ((newest - c.at).total_seconds() / HALF_LIFE_S) for c in crimes]
        )
        self.is_street = np.array([crime.is_street for crime in crimes])
        self.hour = np.array(
            [
                (local := c.at.astimezone(zone)).hour + 24 * (local.weekday() >= 5)
                if c.has_hour
                else -1
                for c in crimes
            ]
        )
        middles = [self._along(edge, np.array([0.5]))[0] for edge in edges]
        squares = [tuple(np.floor(middle / SQUARE_M)) for middle in middles]
        numbers = {square: number for number, square in enumerate(sorted(set(squares)))}
        self.neighbourhood = np.array([numbers[square] for square in squares])
        self.place = np.array(
            [numbers.get((c.x // SQUARE_M, c.y // SQUARE_M), -1) for c in self.crimes]
        )
        self.density = self._densities(self.weight)
        self.street_density = self._densities(self.weight * self.is_street)

    def risk(self) -> Floats:
        """(edges, 48 hours): 0 to 1."""
        share = 0.5 if self.is_street.any() else 1.0
        blend = share * self.density / self.weight.sum()
        if self.is_street.any():
            blend += 0.5 * self.street_density / self.weight[self.is_street].sum()
        blend /= np.percentile(blend, 95) or blend.max()
        risk: Floats = np.minimum(1, blend[:, None] * self.rates()[self.neighbourhood])
        return risk

    def mean_risk(self) -> Floats:
        """By hour, per metre of street."""
        lengths = np.array([edge.length_m for edge in self.edges])
        mean: Floats = lengths @ self.risk() / lengths.sum()
        return mean

    def rates(self) -> Floats:
        """(neighbourhoods, 48 hours), mean 1 over the week."""
        rates = self._city_share() / HOUR_SHARE * self._ratios()[:, PART]
        return rates / (rates @ HOUR_SHARE)[:, None]

    @staticmethod
    def _along(edge: Edge, fractions: Floats) -> Floats:
        steps = np.hypot(*np.diff(edge.line, axis=0).T)
        at = np.r_[0, np.cumsum(steps)] / steps.sum()
        return np.column_stack([np.interp(fractions, at, edge.line[:, i]) for i in (0, 1)])

    def _densities(self, weights: Floats) -> Floats:
        cells = np.floor([[c.x / CELL_M, c.y / CELL_M] for c in self.crimes])
        steps = np.stack(np.meshgrid(range(-3, 4), range(-3, 4)), -1).reshape(-1, 2) * CELL_M
        mass = np.sum(np.clip(1 - (steps**2).sum(1) / BANDWIDTH_M**2, 0, None) ** 2)
        densities = []
        for edge in self.edges:
            count = max(1, int(np.ceil(edge.length_m / SAMPLE_M)))
            samples = np.floor(self._along(edge, (np.arange(count) + 0.5) / count) / CELL_M)
            apart = ((samples[:, None] - cells) ** 2).sum(-1) * CELL_M**2
            kernel = np.clip(1 - apart / BANDWIDTH_M**2, 0, None) ** 2 / mass
            densities.append((kernel @ weights).mean())
        return np.array(densities)

    def _share(self, chosen: npt.NDArray[np.bool_]) -> tuple[Floats, float]:
        """Smoothed share of each hour in the weight of the chosen crimes; how many they count."""
        weight, hour = self.weight[chosen], self.hour[chosen]
        if not weight.size:
            return HOUR_SHARE, 0.0
        share = np.bincount(hour[hour >= 0], weight[hour >= 0], 48) / weight.sum()
        share += HOUR_SHARE * weight[hour < 0].sum() / weight.sum()
        apart = np.abs(CLOCK[:, None] - CLOCK)
        kernel = np.exp(-(np.minimum(apart, 24 - apart) ** 2) / (2 * 1.5**2))
        kernel *= (HOURS[:, None] < 24) == (HOURS < 24)
        return kernel @ share / kernel.sum(1), weight.sum() ** 2 / (weight**2).sum()

    def _city_share(self) -> Floats:
        everything, crimes = self._share(np.ones(len(self.crimes), bool))
        everything = (crimes * everything + 48 * HOUR_SHARE) / (crimes + 48)
        street, crimes = self._share(self.is_street)
        return (crimes * street + 48 * everything) / (crimes + 48)

    def _ratios(self) -> Floats:
        """(neighbourhoods, 6 parts of the week): by empirical Bayes."""
        places = 1 + int(self.neighbourhood.max())
        counts, shares, weights = [], [], []
        found = [i for i in range(-1, places) if (self.is_street & (self.place == i)).any()]
        for place in found:
            chosen = self.is_street & (self.place == place)
            weight, hour = self.weight[chosen], self.hour[chosen]
            in_part = np.bincount(PART[hour[hour >= 0]], weight[hour >= 0], 6)
            in_part += PART_SHARE * weight[hour < 0].sum()
            weights.append(in_part)
            shares.append(in_part / weight.sum())
            counts.append(weight.sum() ** 2 / (weight**2).sum())
        ratios = np.ones((places, 6))
        if not found:
            return ratios
        count, share = np.array(counts), np.array(shares)
        street = self.weight[self.is_street]
        total = street.sum() ** 2 / (street**2).sum()
        city = (np.sum(weights, axis=0) / street.sum() * total + 6 * PART_SHARE) / (total + 6)
        excess = (count[:, None] * (share - city) ** 2 / city).sum() / 5 - len(found)
        rho = excess / max(np.maximum(0, count - 1).sum(), 1e-300)
        if rho > 1e-6:
            prior = (1 - min(1, rho)) / rho
            shrunk = (count[:, None] * share + prior * city) / (count + prior)[:, None] / city
            for place, ratio in zip(found, shrunk, strict=True):
                if place >= 0:
                    ratios[place] = ratio
        return ratios
