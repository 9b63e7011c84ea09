"""The page of a buyer: everything about one person, each part for those who may view it."""
