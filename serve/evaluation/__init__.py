"""How well questions with labels are answered: labels, judgements, measures, and their report."""
